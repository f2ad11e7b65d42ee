"""The parts of benchmarks/kill_campaign.py. Nothing here imports Blackstart: it is looked at from outside."""
