"""The nouns of Blackstart. All of them are plain data; what does I/O says so."""
