// What an Alertmanager holds back, and whom that concerns: silences that people have set, and alerts that it inhibits
// because of another one. Somebody is at work there, or looks at something bigger. Read by a collector, kept by
// Knowledge, asked by the core before it acts; nothing is held back from observation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/subject.h"
#include "agent/base/time.h"
#include "agent/store/series.h"

namespace medic {

struct Silence {
    enum class Kind : std::uint8_t { silence, inhibition };
    Kind kind = Kind::silence;
    std::string id;  // As Alertmanager has it; of an inhibition: the alert's fingerprint.
    std::string by, comment;
    WallTime since;
    std::optional<WallTime> until;  // nullopt: nobody knows.
    std::vector<LabelMatcher> matchers;
};

// Of one cluster whose configuration names an Alertmanager.
struct ClusterSilences {
    std::string cluster;
    std::optional<WallTime> read_at;  // nullopt: it could never be read.
    std::string problem;              // Why the last reading failed.
    std::vector<Silence> active;
    std::map<Subject, std::vector<LabelPair>> also_called;  // node, instance: as Prometheus knows a subject.
};

// The labels by which an alert would speak of a subject; one may be there several times.
[[nodiscard]] std::vector<LabelPair> labels_of(const Subject& subject,
                                               const std::map<Subject, std::vector<LabelPair>>& also_called = {});

// Whether it concerns what has these labels. All its matchers on labels that are there must hold, as Alertmanager has
// it (whole-text regular expressions). Others (alertname, severity) speak of which alert, and we have none: they are
// passed over where one that holds names the subject more closely than its cluster, and decide against it otherwise.
// One that can't be read as a regular expression concerns everything else that it says.
[[nodiscard]] bool concerns(const Silence& silence, const std::vector<LabelPair>& labels);

// "silenced by ana until 2026-11-28 14:00 UTC: new disks"
[[nodiscard]] std::string spoken(const Silence& silence);

}  // namespace medic
