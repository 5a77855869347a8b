"""`make bench`: what the system does and costs, beside peers in the same run. Ratios count, not
numbers.
"""
