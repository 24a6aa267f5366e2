"""Evacuation: who leaves when, walks where, waits in which queue, and arrives in time or not."""
