// The command line inside a test: what a call prints and how it ends. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "agent/cli/cli.h"

namespace medic::cli {

inline std::string printed(const std::function<void()>& print) {
    testing::internal::CaptureStdout();
    print();
    std::fflush(stdout);
    return testing::internal::GetCapturedStdout();
}

struct Ran {
    int code = 0;
    std::string out, errors;
};

// The exit code of `medic ARGUMENTS…`, whose output goes where this process's goes.
inline int call_medic(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "medic");
    std::vector<char*> argv;
    for (std::string& one : arguments) argv.push_back(one.data());
    argv.push_back(nullptr);
    return run_cli(static_cast<int>(arguments.size()), argv.data());
}

inline Ran run_medic(const std::vector<std::string>& arguments) {
    Ran ran;
    testing::internal::CaptureStderr();
    ran.out = printed([&] { ran.code = call_medic(arguments); });
    ran.errors = testing::internal::GetCapturedStderr();
    return ran;
}

}  // namespace medic::cli
