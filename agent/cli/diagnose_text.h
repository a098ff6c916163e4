// A diagnosis as text for a person, or as JSON and YAML for a program.
#pragma once

#include <string>

#include "agent/daemon/diagnose_once.h"
#include "classifiers/diagnosis/classifier.h"

namespace medic::cli {

// The first line answers: what is wrong, whose it is, since when, how sure.
[[nodiscard]] std::string text_of(const DiagnoseResult& result, bool wide);
// Where no cause stands out: healthy, planned work, or that nothing could be told. "": causes are the answer.
[[nodiscard]] std::string summary_line(const DiagnoseResult& result);
[[nodiscard]] std::string json_of(const DiagnoseResult& result, bool yaml);

// What the classifier says of one text alone.
struct TextVerdict {
    Classification said;
    std::string owner;   // Who answers for its cause.
    std::string unread;  // What of the text was not looked at; "" where all was.
};
[[nodiscard]] std::string text_of(const TextVerdict& verdict);
[[nodiscard]] std::string json_of(const TextVerdict& verdict, bool yaml);

}  // namespace medic::cli
