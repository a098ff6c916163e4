// The worker's heart: which connectors there are, what state they should be in, and one process for each task.
// REST threads change what *should* be (and may wait for it); the supervising thread in run() makes it so, step by
// step, and is the only one that starts, signals and reaps processes. A task's state is what the task itself last said,
// as in Kafka Connect: a task that hangs in a call stays RUNNING.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/connect/config_store.h"
#include "engine/connect/group_offsets.h"
#include "engine/connect/link.h"
#include "engine/connect/model.h"

namespace medic::engine::connect {

template <class T>
using Answer = std::expected<T, Refusal>;

// How a worker rebalances (Kafka Connect's connect.protocol): incrementally, where only what moves is stopped, or
// eagerly, where everything is.
enum class Protocol : std::uint8_t { sessioned, eager };

struct HerderOptions {
    std::string worker_id;                          // "127.0.0.1:8083", as Connect names workers.
    std::string bootstrap;                          // Kafka brokers, host:port separated by commas.
    std::string data_dir;                           // Configurations and source offsets.
    std::string program;                            // medic-engine, for the task processes.
    Duration graceful{5'000};                       // Kafka Connect's default: task.shutdown.graceful.timeout.ms = 5 s
    Duration flush{60'000};                         // Kafka Connect's default: offset.flush.interval.ms = 60 s
    Protocol protocol = Protocol::sessioned;        // Kafka Connect's default.
    std::shared_ptr<GroupOffsets> group_offsets{};  // Of the sinks.
};

// One task as the metrics page needs it.
struct TaskSnapshot {
    TaskKey key;
    State state = State::unassigned;
    std::map<std::string, double> metrics;  // Names of the page → values, as the task measured them.
};

struct WorkerSnapshot {
    std::vector<TaskSnapshot> tasks;
    int connectors = 0;
    std::uint64_t connector_starts = 0, connector_start_failures = 0, task_starts = 0, task_start_failures = 0;
    std::uint64_t rebalances = 0;
};

class Herder {
public:
    explicit Herder(HerderOptions options);
    ~Herder();
    Herder(const Herder&) = delete;
    Herder& operator=(const Herder&) = delete;

    [[nodiscard]] Status load();         // Takes the stored connectors over; before run().
    void run(const StopSignal& signal);  // Supervises until the signal or stop(), then ends every task.
    void stop();                         // From any thread.

    // For REST; any thread.
    [[nodiscard]] std::vector<std::string> connectors() const;
    [[nodiscard]] Answer<ConnectorInfo> info(const std::string& name) const;
    [[nodiscard]] Answer<ConnectorStatus> status(const std::string& name) const;
    [[nodiscard]] Answer<std::string> offsets_json(const std::string& name) const;
    // Of a stopped sink (KIP-875); the message is Connect's.
    [[nodiscard]] Answer<std::string> alter_offsets(const std::string& name, const PartitionOffsets& offsets);
    [[nodiscard]] Answer<std::string> reset_offsets(const std::string& name);
    [[nodiscard]] Answer<std::vector<std::string>> topics(const std::string& name) const;
    [[nodiscard]] WorkerSnapshot snapshot() const;
    [[nodiscard]] const HerderOptions& options() const { return options_; }

    enum class Put : std::uint8_t { created, updated };
    enum class IfThere : std::uint8_t { refuse, update };
    [[nodiscard]] Answer<Put> put(const std::string& name, Config config, IfThere if_there,
                                  State target = State::running);
    [[nodiscard]] Answer<void> remove(const std::string& name);
    [[nodiscard]] Answer<void> set_target(const std::string& name, State target);
    // Waits for the graceful stop, and no longer: one that does not end is left behind.
    [[nodiscard]] Answer<void> restart_task(const TaskKey& key);

    struct Restart {
        bool include_tasks = false, only_failed = false;
    };
    // Restarts what is asked for without waiting; the status tells what is being restarted.
    [[nodiscard]] Answer<ConnectorStatus> restart_connector(const std::string& name, const Restart& what);

private:
    struct TaskSlot;
    struct Connector;

    [[nodiscard]] Answer<Config> stopped_sink(const std::string& name) const;
    void reconcile();
    void step(TaskSlot& slot);
    [[nodiscard]] bool is_ending(TaskSlot& slot);
    void leave_behind(TaskSlot& slot);
    void start_process(TaskSlot& slot);
    void read_messages(TaskSlot& slot);
    void take_message(TaskSlot& slot, const std::string& line);
    void on_exit(TaskSlot& slot, const ProcessExit& end);
    void wait_for_events(const StopSignal& signal);
    void stop_all();
    void want(TaskSlot& slot, State restart_state);
    void retire(std::map<int, TaskSlot>& tasks, int first);
    void spread_tasks(const std::string& name, Connector& connector);
    void rebalance(const std::string& because_of);
    [[nodiscard]] Answer<void> save();
    [[nodiscard]] ConnectorStatus status_of(const std::string& name, const Connector& connector) const;
    void wake() const;
    std::vector<TaskSlot*> slots();

    const HerderOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable settled_;
    std::map<std::string, Connector> connectors_;
    // Of removed or stopped connectors, and what did not end in time: each until its process has ended.
    std::list<TaskSlot> retired_;
    std::uint64_t wishes_ = 0, rebalances_ = 0;
    std::uint64_t connector_starts_ = 0, connector_start_failures_ = 0, task_starts_ = 0, task_start_failures_ = 0;
    bool stopping_ = false;
    int wake_fd_ = -1;
};

}  // namespace medic::engine::connect
