"""What a finished flood means: dangers, people, buildings, money."""
