"""Where a service is and how one gets in, as people write it: one reader for each kind of service.

Flags, target files, guard rails, proofs, probes, steps and loads all read with these, so that what one takes the next
does not refuse, and all speak of the same hosts. What can't be read raises ValueError, whose message fits behind a name
("DATABASE_URL must be ...") and never quotes what it could not read: it may be a part of a password.
"""
