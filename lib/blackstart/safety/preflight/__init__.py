"""What is asked before anything is touched: guard rails, the right system, rights, rehearsal, locks."""
