"""The words of the product as types: requests, results, flows, runs, errors and the ports between floors."""
