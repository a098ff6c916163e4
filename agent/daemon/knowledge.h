// What the agent knows, on the ingest thread only: series, events, topology, work under way, and how much of it is
// fresh. Observations come in; facts, blind targets and views go out. It asks nobody and decides nothing.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/collectors/observation.h"
#include "agent/config/config.h"
#include "agent/daemon/settings_memory.h"
#include "agent/daemon/topic_settings.h"
#include "agent/store/event.h"
#include "agent/store/fact.h"
#include "agent/store/series.h"
#include "agent/store/topology.h"

namespace medic {

struct KnowledgeOptions {
    StoreOptions store;
    TimelineOptions timeline;
    std::size_t sample_bytes_per_target = 160 * 1024;  // Added to store.sample_bytes_max for every target …
    std::size_t sample_bytes_max = 96 * 1024 * 1024;   // … up to this.
    Duration fact_lookback{5 * 60'000};                // Older samples are no facts (Prometheus's default lookback).
    Duration fact_skew{15'000};  // Samples this much older than the newest are of a former state of the subject.
};

// What the links between processes and the roles they play have told.
struct NodeLink {
    std::string broker, worker, taskmanager;
    auto operator<=>(const NodeLink&) const = default;
};

class Knowledge {
public:
    Knowledge(const Config& config, KnowledgeOptions options = {});

    // Before a target's first look: it is blind until then.
    void expect(const std::string& target, const std::string& cluster, Duration interval);
    struct Expected {
        std::string target, cluster;
        Duration interval{0};
    };
    [[nodiscard]] std::vector<Expected> expected() const;

    void apply(Observation observation);
    void apply(const std::string& cluster, ScrapeBatch batch);
    // Told of everything that apply() is given, before it is kept: whoever records it. One at most.
    using Listener = std::function<void(const Observation&)>;
    void listen(Listener listener) { listener_ = std::move(listener); }
    void tick_lateness(double seconds, WallTime at);
    void forget(WallTime now);

    [[nodiscard]] SeriesStore& series() { return series_; }
    [[nodiscard]] const SeriesStore& series() const { return series_; }
    [[nodiscard]] Timeline& timeline() { return timeline_; }
    [[nodiscard]] const Timeline& timeline() const { return timeline_; }
    [[nodiscard]] const Topology& topology() const { return topology_; }

    // As agent/store/fact.h says.
    [[nodiscard]] Fact fact(const FactKey& key, WallTime now) const;
    [[nodiscard]] OperationsUnderWay operations(WallTime now) const;
    [[nodiscard]] std::vector<ClusterSilences> silences() const;
    [[nodiscard]] std::vector<Relation> relations() const;  // As each target told them.
    [[nodiscard]] std::vector<std::string> blind_targets(WallTime now) const;
    [[nodiscard]] std::size_t targets() const { return health_.size(); }
    // Why a target is blind: its last error.
    [[nodiscard]] std::string problem(const std::string& target) const;
    [[nodiscard]] bool looked_at_all() const;  // Every target has been looked at at least once.

    [[nodiscard]] NodeLink link(const std::string& cluster, const std::string& node) const;
    // By cluster and node. What an earlier agent knew is taken for nodes that are still configured; before the first
    // look.
    using NodeLinks = std::map<std::pair<std::string, std::string>, NodeLink>;
    void remember_links(const NodeLinks& known, WallTime at);
    [[nodiscard]] const NodeLinks& links() const { return links_; }
    [[nodiscard]] std::uint64_t links_version() const { return links_version_; }
    // Of each job that was seen, by cluster and job; also of those that an earlier agent knew.
    using JobRuns = std::map<std::pair<std::string, std::string>, JobRun>;
    void recall(JobRuns known) { job_runs_ = std::move(known); }
    [[nodiscard]] const JobRuns& job_runs() const { return job_runs_; }
    [[nodiscard]] JobRuns take_changed_job_runs() { return std::exchange(changed_job_runs_, {}); }
    [[nodiscard]] SettingsMemory& connector_settings() { return connector_settings_; }
    [[nodiscard]] TopicSettingsMemory& topic_settings() { return topic_settings_; }

private:
    struct Health {
        std::string cluster;
        Duration interval{0};
        WallTime last_at;
        ScrapeOutcome outcome = ScrapeOutcome::failed;
        std::string error;
    };
    struct Said {  // What a target last said of the topology, kept over partial looks.
        std::vector<Relation> relations;
        std::map<Subject, std::map<std::string, std::string>> attributes;
    };

    void note(const std::string& target, const std::string& cluster, WallTime at, ScrapeOutcome outcome,
              const std::string& error);
    void relabel(Observation& observation) const;
    void place(Event& log) const;
    void topology_of(Observation& observation);
    void note_job_runs(const std::string& cluster, std::vector<JobRun> runs);
    void relink(const ClusterConfig& cluster, WallTime at);
    void tell_links(WallTime at);
    [[nodiscard]] Fact series_fact(const FactKey& key, WallTime now) const;
    [[nodiscard]] Fact quota_fact(const FactKey& key, WallTime now) const;
    [[nodiscard]] Fact not_held_up(const FactKey& key, WallTime now) const;
    [[nodiscard]] Fact unread_fact(const FactKey& key) const;
    [[nodiscard]] Fact runs_on_fact(const FactKey& key, WallTime now) const;

    const Config& config_;
    KnowledgeOptions options_;
    Listener listener_;
    SeriesStore series_;
    Timeline timeline_;
    Topology topology_;
    std::map<std::string, Health> health_;
    std::map<std::string, Said> said_;
    std::unordered_map<Subject, WallTime> told_at_;               // When a subject's attributes were last told.
    std::map<std::string, std::vector<OperationUnderWay>> work_;  // By target.
    struct SilencesRead {
        WallTime at;
        std::vector<Silence> active;
    };
    std::map<std::string, SilencesRead> silences_;  // By cluster.
    SettingsMemory connector_settings_;
    TopicSettingsMemory topic_settings_;
    NodeLinks links_;
    JobRuns job_runs_, changed_job_runs_;
    // Ids that task managers of a node had before: each start gives a new one, and exceptions name the old one.
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> former_;
    std::uint64_t links_version_ = 0;
    std::map<std::string, std::uint64_t> linked_at_;  // By cluster: the topology's generation that its links are of.
};

}  // namespace medic
