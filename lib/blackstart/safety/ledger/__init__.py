"""What is broken right now, on the disk, and its second copies."""
