"""Dataframes in files: parquet, CSV.

parquet   ReadParquet, to_parquet         csv   ReadCSV, to_csv
writing   files written under a name of their own, and renamed when they are whole
"""
