// What the doctor found, as text for a person or JSON for a program.
#pragma once

#include <string>
#include <vector>

#include "agent/doctor/access.h"
#include "agent/doctor/sight.h"

namespace medic::cli {

struct ClusterExam {
    std::string cluster;
    std::vector<discovery::Call> calls;
    std::vector<doctor::Check> versions, pages;
    std::vector<std::string> acls;
    doctor::Sight sight;
};

struct Exam {
    std::vector<doctor::Check> machine;  // Empty when there is no configuration.
    std::vector<ClusterExam> clusters;
    [[nodiscard]] bool is_good() const;      // Nothing is bad; advice is allowed.
    [[nodiscard]] bool saw_nothing() const;  // Not one call was answered.
};

[[nodiscard]] std::string text_of(const Exam& exam, bool wide);
[[nodiscard]] std::string json_of(const Exam& exam);

}  // namespace medic::cli
