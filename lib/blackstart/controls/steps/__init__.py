"""Steps: carried out here, on another machine over SSH or by an HTTP call; or told as a line of plain shell."""
