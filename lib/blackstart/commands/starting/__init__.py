"""What `chaos.init` is made of: what runs here, what it is, and the target file that says so."""
