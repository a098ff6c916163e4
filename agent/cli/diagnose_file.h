// `medic diagnose --file`: what the classifier says of a log or stack trace alone, offline. Only for the diagnose
// command.
#pragma once

#include <string>

namespace medic::cli {

struct TextFile {
    std::string file;    // "-": standard input.
    std::string config;  // For its owners; "" for nobody's.
    std::string rules;   // Folder; "": those in the program.
    std::string output = "text";
};

// Prints the verdict and returns the exit code. Of a text that is too long the end is read, and the verdict says so.
[[nodiscard]] int diagnose_text_file(const TextFile& what);

}  // namespace medic::cli
