"""Training examples from accepted data, LoRA training and zero-shot evaluation.

Not built yet; the only package that may import torch, transformers, peft or trl.
"""
