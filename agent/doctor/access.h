// What the endpoints let the agent do: reachable, how fast, which version, which calls are answered, and the read-only
// rights that are missing. Made from the calls that one look made.
#pragma once

#include <string>
#include <vector>

#include "agent/discovery/look_once.h"

namespace medic::doctor {

enum class Grade : std::uint8_t { good, advice, bad };

struct Check {
    Grade grade = Grade::good;
    std::string what;  // "Kafka 3.9", "clock of jm:8081"
    std::string text;  // What was found, and what to do where it is not good.
    bool operator==(const Check&) const = default;
};

// Versions against those that the agent is tested with.
[[nodiscard]] std::vector<Check> versions(const discovery::ClusterLook& look);
// Clock skew, page age, size and scrape time of pages, with what to do about it.
[[nodiscard]] std::vector<Check> pages_and_clocks(const discovery::ClusterLook& look);
[[nodiscard]] Check check_version(const std::string& product, const std::string& version);

// kafka-acls.sh lines that give `principal` what the agent's calls need, and no more. Empty without Kafka calls.
[[nodiscard]] std::vector<std::string> acl_lines(const discovery::ClusterLook& look, const std::string& bootstrap,
                                                 const std::string& principal);
// Which right a refused call lacks: "Describe on the cluster"; "" when it is not known.
[[nodiscard]] std::string right_of(const std::string& call);

}  // namespace medic::doctor
