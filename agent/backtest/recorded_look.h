// What recorded series mean: the live collector's canonical names, and what a server knows by itself. Its own scrapes
// (`up`) are the nearest thing to a look at a process, the job manager's page to a look at Flink's REST API:
//   process_up                     up of whoever shows a broker's, worker's, job manager's or task manager's series
//   flink_jobmanager_reachable, kafka_broker_reachable, connect_worker_reachable   the same
//   flink_taskmanager_registered   1 where the job manager counts as many as are scraped; 0 for one that is not scraped
//                                  while the job manager counts no more than those that are: two vantage points
//   flink_job_state                the job's <state>Time or <state>State that is above 0
//   flink_subtask_state            RUNNING for each subtask that has series, while its job runs
// Whatever these do not settle stays unknown. It decides nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/backtest/history.h"
#include "agent/config/config.h"
#include "agent/daemon/knowledge.h"

namespace medic::backtest {

// Of one moment.
struct RecordedSight {
    bool any = false;                // There was a sample at all: otherwise nobody scraped.
    std::size_t scraped = 0;         // Scrapes of the cluster …
    std::vector<std::string> blind;  // … and those of them that failed.
};

class RecordedLook {
public:
    // `config` outlives it.
    explicit RecordedLook(const ClusterConfig& config);

    // Before apply() of the span's steps. What it takes from the span it takes by reference.
    void take(const RecordedSpan& span, SeriesStore& store);
    // Hands one moment to what is known.
    RecordedSight apply(std::size_t step, Knowledge& knowledge);

    // Canonical series that had a sample at any moment; process_up and its like also as "process_up@taskmanager".
    [[nodiscard]] const std::set<std::string, std::less<>>& told() const { return told_; }
    [[nodiscard]] std::size_t series_refused() const { return refused_; }
    [[nodiscard]] const std::string& target() const { return target_; }

private:
    // Something that is scraped, by the name of its node. Kept over spans: the dead have no series.
    struct Scraped {
        std::string role, broker, worker, taskmanager;
        WallTime seen;
    };
    struct Mapped {
        std::size_t series = 0;
        Labels labels;
        double scale = 1;
        enum class Kind : std::uint8_t { plain, sum, of_running_job } kind = Kind::plain;
        std::string job;
        SeriesId id = 0;
        bool refused = false;
    };
    struct Helper {
        std::size_t series = 0;
        std::string name, node, job, job_id, taskmanager;
    };
    struct Moment;  // What one apply() gathers.

    [[nodiscard]] std::string node_of(const RecordedSeries& series) const;
    void learn_role(const RecordedSeries& series, WallTime at);
    void map(std::size_t index, const RecordedSeries& series);
    void map_subtask(std::size_t index, const RecordedSeries& series);
    void note_helper(std::size_t index, const RecordedSeries& series);
    void intern(Mapped& mapped, SeriesStore& store);
    void tell(Moment& moment, SeriesStore& store, std::string_view name, std::vector<LabelPair> labels, double value);
    void look_at_scrapes(Moment& moment, std::size_t step);
    void tell_scrapes(Moment& moment, SeriesStore& store);
    void tell_taskmanagers(Moment& moment, SeriesStore& store, std::size_t step);
    void look_at_jobs(Moment& moment, std::size_t step);
    void tell_mapped(Moment& moment, SeriesStore& store, std::size_t step);
    void tell_topology(Moment& moment, Knowledge& knowledge);
    void forget(WallTime before);

    const ClusterConfig& config_;
    std::string target_;
    std::map<std::string, std::string> node_of_instance_;  // As medic.yaml has it.
    std::map<std::string, Scraped> scraped_;
    const RecordedSpan* span_ = nullptr;
    std::vector<Mapped> mapped_;
    std::vector<Helper> ups_, counts_, states_, managers_;
    std::set<std::string, std::less<>> told_;
    std::size_t refused_ = 0;
};

}  // namespace medic::backtest
