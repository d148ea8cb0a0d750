"""What all tests share."""


def pytest_addoption(parser):
    parser.addoption("--update-baselines", action="store_true", help="write the numbers of the shipped studies anew")
