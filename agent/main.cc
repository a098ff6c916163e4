#include "agent/cli/cli.h"

int main(int argc, char** argv) { return medic::run_cli(argc, argv); }
