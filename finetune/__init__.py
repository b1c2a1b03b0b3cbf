"""Training examples from accepted data, LoRA training and zero-shot evaluation.

The only package that may import torch, transformers, peft or trl, and only where they are needed: what runs
without them (examples, scorers, gold, recipes) imports none of them.
"""
