from releases import shipped

__path__ = shipped(__file__)
