"""`make recount-check`: a recount of many reads after a change of the rules, killed twice, beside a
plain list of the reads.
"""
