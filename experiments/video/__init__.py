"""What mien predict makes of a clip: a table, a labelled clip, a picture of the emotions."""
