"""Where people are to be drawn: along their street, in their queue, at their door, in their shelter."""
