// Runs PromQL scripts given by path and prints what passes: promql_scripts FILE…
#include <cstdio>
#include <fstream>
#include <sstream>

#include "classifiers/rules/script/script.h"

int main(int argc, char** argv) {
    std::size_t passed = 0, skipped = 0, failed = 0;
    for (int i = 1; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        const auto report = medic::run_promql_script(text.str(), argv[i]);
        for (const auto& failure : report.failures) std::printf("%s\n", failure.c_str());
        std::printf("%s: %zu passed, %zu failed, %zu skipped\n", argv[i], report.passed, report.failures.size(),
                    report.skipped);
        passed += report.passed;
        skipped += report.skipped;
        failed += report.failures.size();
    }
    std::printf("all: %zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed == 0 && argc > 1 ? 0 : 1;
}
