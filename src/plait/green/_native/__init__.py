"""The hot paths of layer 2 in Cython; each module beside this one that is documented for users re-exports its part."""
