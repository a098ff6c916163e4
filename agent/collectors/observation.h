// What one look at one target has told: samples, events, topology and work under way — or that it told nothing.
// Made by collectors (which ask no socket themselves), handed to the store by agent/daemon on the ingest thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/connector_settings.h"
#include "agent/base/labels.h"
#include "agent/store/event.h"
#include "agent/store/series.h"
#include "agent/store/silence.h"
#include "agent/store/topology.h"

namespace medic {

// Work of others or ours that must not be overlapped.
struct WorkUnderWay {
    Subject subject;
    std::string kind;  // reassignment, rebalance, savepoint, checkpoint-restore, deployment, roll, log-recovery
    std::string by;    // "" = unknown.
};

// What a connector runs with, and whether it does.
struct ConnectorLook {
    Subject connector;
    ConnectorSettings settings;
    // By name: says in this process whether a withheld value has changed, and nothing else. Never leaves it.
    std::map<std::string, std::size_t> withheld_marks;
    std::size_t tasks = 0;
    bool runs = false;  // The connector and every task.
};

// What is known of a Flink job's present run and of what ran before it. A version that was replaced can't be asked for:
// whoever is restarted after that gets it from the journal. Empty: not known.
struct JobRun {
    std::string job;         // Its name.
    std::string id, before;  // Of this run, and of the one before it.
    std::string version, version_before;
    std::string good_version;       // The newest that completed a checkpoint, this run's included …
    std::string last_good_version;  // … and without it.
    auto operator<=>(const JobRun&) const = default;
};

// The outcome and error tell how much of it is there: a missing answer is an answer.
struct Observation {
    std::string target;
    WallTime at;
    ScrapeOutcome outcome = ScrapeOutcome::complete;
    std::string error;
    bool withdraws = false;  // With a failed outcome: its former samples are no longer known, instead of merely old.
    std::vector<std::pair<Labels, double>> samples;
    std::vector<Event> events;
    std::vector<Relation> relations;
    std::map<Subject, std::map<std::string, std::string>> attributes;
    std::vector<WorkUnderWay> under_way;
    std::vector<JobRun> job_runs;                          // Of jobs that were listed.
    std::optional<std::vector<ConnectorLook>> connectors;  // All whose settings were told; nullopt: not asked.
    std::optional<std::vector<Silence>> silences;          // All active ones; nullopt: not asked, or not told wholly.

    void sample(std::string_view name, std::vector<LabelPair> labels, double value) {
        samples.emplace_back(Labels(name, std::move(labels)), value);
    }
    // Something was missing: what is there stays valid.
    void lacks(std::string_view what) {
        if (outcome == ScrapeOutcome::complete) outcome = ScrapeOutcome::partial;
        if (error.size() > errors_bytes_max) return;
        if (!error.empty()) error += "; ";
        error += what;
    }
    static constexpr std::size_t errors_bytes_max = 1024;
};

}  // namespace medic
