"""Faces: found, followed, compared with those who have agreed to it, and asked to prove that somebody is here."""
