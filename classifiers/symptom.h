// A symptom: a rule that holds for a subject. A finding: what a rule can't say, from an analyzer.
// Both are observations; neither names a cause or a remedy. Made by classifiers/rules and classifiers/analyzers, read
// by diagnosis.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"

namespace medic {

struct Evidence {
    std::string kind;  // metric | trace | event | topology | log
    std::string ref;   // Series, event id or file it comes from.
    std::string text;  // For a person.
    double value = 0;
    WallTime at;
};

struct Symptom {
    std::string id;  // The rule's name: FlinkTaskManagerSilent.
    Subject subject;
    WallTime since;  // When the rule's `for` began to hold.
    double value = 0;
    std::string summary;
    std::map<std::string, std::string> labels;
};

// A symptom that began, changed its value or ended.
struct SymptomChange {
    enum class Kind : std::uint8_t { began, updated, ended };
    Kind kind = Kind::began;
    Symptom symptom;
    bool no_data = false;  // ended: the series that the rule reads are gone, so nothing says that all is well again.
};

struct Finding {
    std::string id;  // "first-failure", "connector-task-silent", "disk-forecast", …: what causes refer to.
    Subject subject;
    WallTime since;
    double weight = 1;  // 0…1: how strongly the facts say so.
    std::string summary;
    std::map<std::string, std::string> fields;  // e.g. frame, exception, record, operator, until_full_seconds, topic.
    std::vector<Evidence> evidence;
};

}  // namespace medic
