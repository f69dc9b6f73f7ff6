"""The deployment story of the drill: gate, registration, endpoint update with a canary, checks, promotion, and kills.

``make chaos STORY=deployment KILLS=20``.  After each run, endpoint, registry and champion have to agree.
"""
