"""Full-screen pages: what ⏎ on a line and a key of the main screen open. Pure pictures, like the panels."""
