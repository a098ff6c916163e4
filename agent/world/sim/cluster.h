// A simulated cluster: task managers with a warm pool, one Flink job, a sink connector's tasks and their worker, three
// brokers, one's disk, another one's leaders, a client that may be too much for the third, a topic that transactions
// are written to, one whose writers wait for a slow broker, one of which a single copy is in sync, and the
// coordinator of some groups. It carries out operations as the real products would, some of them badly: lost, late,
// doubled, unknown, or reported and not done. Deterministic from its seed. It knows nothing of the agent; faults are
// injected by name, truth is read by the simulation.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/store/fact.h"
#include "agent/world/sim/seeded.h"
#include "agent/world/world.h"

namespace medic::sim {

inline constexpr std::string_view worker_name = "connect-1", noisy_client = "replay", flapping_connector = "archive";

struct SimNode {
    bool up = true, frozen = false, spare = false;
    bool faulty = false;  // Whatever it is given fails, as long as this process lives.
    WallTime faulty_at;   // When a fault last hit it; unix_ms 0: never.
};

struct SimTask {
    std::string state = "RUNNING";
    bool stuck = false;
    bool stuck_again = false;  // What it waits for is held by its own thread: the next one hangs as well.
    bool in_group = true;      // Its consumer; that of a task that hangs may be taken out.
    double records = 0;
};

// Of the connector, by their hash: with others than the good ones its tasks fail.
struct SimSettings {
    static const std::string& in_batches();
    static const std::string& one_by_one();  // The good ones, and each record by itself.
    std::string now = in_batches();
    int changes = 0;
    WallTime changed_at;
    [[nodiscard]] bool good() const { return now == in_batches() || now == one_by_one(); }
};

// How far the connector has come in its one partition, which task 0 reads. At a record that it can't put that task
// fails.
struct SimSink {
    bool stopped = false;
    std::int64_t committed = 0;
    std::optional<std::int64_t> poison;
};

// The process of all the connector's tasks. When it dies their consumers stay in the group until their session ends;
// nobody gets their partitions before. A task that hangs leaves its consumer there, too, for longer.
struct SimWorker {
    bool up = true, frozen = false;
    int dead_members = 0;
    WallTime session_ends;
    [[nodiscard]] bool answers() const { return up && !frozen; }
};

// Another connector of the worker. While somebody changes it all the time, and it runs, the worker rebalances eagerly
// and the sink's tasks stand.
struct SimFlapping {
    bool changes = false, knows_stop = true;
    std::string state = "RUNNING";
    [[nodiscard]] bool storms() const { return changes && state == "RUNNING"; }
};

// A client that produces to broker 1 as fast as it may; handlers' time goes with the bytes that they take in.
struct SimProducers {
    static constexpr double others = 20e6, bearable = 100e6;  // Bytes per second.
    static constexpr int count = 4;
    double offered = 0, quota = 0;  // Of the noisy one; quota 0: none.
    [[nodiscard]] double taken() const;
    [[nodiscard]] double idle() const { return 1 - (others + taken()) / bearable; }
};

struct SimJob {
    std::string state = "RUNNING", version = "v1", id = "j1";
    std::string blocked_by;  // The node whose task ignores cancellation.
    std::string savepoint;   // The newest one.
    // One that takes longer than any request waits for, and the job ends with it; it is asked for once.
    std::optional<WallTime> savepoint_ends;
    std::string savepoint_to;
    int stops_during_savepoint = 0;
    WallTime restart_at;
    double records = 0;
    int restarts = 0;
    int live = 1;  // Copies that run: more than one doubles every output.
    int started = 1;
    std::optional<WallTime> ended_by_person_at;  // On purpose: nobody may start it but that person.
};

inline constexpr std::string_view unloadable_version = "v4", job_group = "fleet";

// What is offered to the job, as the number of subtasks that carry it: with fewer it falls behind.
struct SimLoad {
    static constexpr int usual = 2;
    int needed = usual, parallelism = usual;
    bool hurts = false;                    // What they write to is the bound: the more of them write, the slower it is.
    bool adaptive = false;                 // Its job manager can rescale it while it goes on.
    double committed = 0;                  // How far its group has come.
    [[nodiscard]] double offered() const;  // Records per second …
    [[nodiscard]] double carried() const;  // … and those of them that get through.
    [[nodiscard]] bool fits() const;
};

struct SimDisk {
    double total = 1'000'000, used = 300'000, growth_per_second = 0;
};

// Broker 3's leaders. It goes for a moment and comes back; they stay where they went, as where Kafka's own balancing is
// off. An election before it is in sync again would lead nowhere.
struct SimLeaders {
    int preferred = 40, displaced = 0, out_of_sync = 0;
    WallTime in_sync_at;
};

// Open on the only partition of topic payments, and known to no coordinator.
struct SimTransaction {
    std::int64_t start_offset = 0;
    Duration silent{0};
};

inline constexpr std::string_view entries_topic = "entries";

// A topic of one partition that all three brokers hold, of which only broker 1's copy is in sync. When its disk fails
// nobody leads; the disk may come back. Broker 2 has got further than broker 3, which Kafka would take.
struct SimEntries {
    std::vector<int> replicas{1, 3, 2};
    int leader = 1;
    std::optional<WallTime> lost_at, comes_back_at;
    double written = 0;  // By whoever leads.
    [[nodiscard]] double end_of(int broker) const;
};

// A partition of __consumer_offsets. Whoever leads it coordinates its groups; where that hangs, none of them gets an
// answer, and the broker does all else.
struct SimCoordinator {
    static constexpr int partition = 3;
    std::vector<int> replicas{1, 2, 3};
    int leader = 1;
    std::set<int> hangs_on;  // Brokers; whether it leads there or not.
    WallTime hangs_since;
    std::optional<WallTime> ends_at;
    [[nodiscard]] bool hangs() const { return hangs_on.contains(leader); }
};

inline constexpr std::string_view shipments_topic = "shipments";

// A topic that all three brokers hold. Its writers wait where the broker that leads a partition is slow, or where it is
// their load that is slow anywhere.
struct SimShipments {
    struct Partition {
        int leader = 0;
        std::vector<int> replicas;
        bool heavy = false;
    };
    std::vector<Partition> partitions{{1, {1, 2, 3}}, {2, {2, 1, 3}, true}, {3, {3, 1, 2}},
                                      {1, {1, 3, 2}}, {2, {2, 3, 1}, true}, {3, {3, 2, 1}}};
    std::optional<int> slow_broker;  // By itself …
    bool slow_load = false;          // … or whoever leads the heavy partitions.
    int moving = 0;                  // Partitions whose replicas somebody moves.
    // Its setting min.insync.replicas; with more than there are replicas nobody can write to it.
    static constexpr int good_min_in_sync = 2;
    int min_in_sync = good_min_in_sync, changes = 0;
    WallTime changed_at;
    double end_offset = 1'000;
    [[nodiscard]] bool takes_writes() const { return min_in_sync <= 3; }

    [[nodiscard]] int led_by(int broker) const;
    [[nodiscard]] int preferred(int broker) const;
    [[nodiscard]] bool keeps_waiting(int broker) const;
};

// Each holds a replica of every partition; two must be in sync.
struct SimBroker {
    bool up = true, frozen = false;
    bool stopped_in_order = false;  // It signed off: others lead at once, and nobody wonders where it is.
    bool in_sync = true;
    Duration lasts{0};  // For how long it has served and was not in sync yet, or was in sync and did not serve.
    [[nodiscard]] bool serves() const { return up && !frozen; }
};

// How the way to the cluster and its drivers behave for one operation.
enum class Passage : std::uint8_t {
    fine,
    reply_lost,
    reply_late,
    reply_doubled,
    outcome_unknown,
    never_arrives,
    unavailable,
    says_done_does_nothing
};
[[nodiscard]] std::string_view to_string(Passage passage);

struct Executed {
    std::string key;
    OperationBody body;
    WallTime sent_at, done_at;
    bool took_effect = false;
};

class SimCluster final : public World {
public:
    explicit SimCluster(std::uint64_t seed);

    void send(Operation operation) override;

    // The wall clock was set by so much: what is under way goes on, and what begins at this moment has the new time.
    void set_clock(Duration by);
    // Moves time on and carries out what is due; replies that arrive meanwhile are handed over.
    [[nodiscard]] std::vector<OperationReply> advance(WallTime now);
    // The agent died: replies to it go nowhere.
    void forget_replies() { replies_.clear(); }

    [[nodiscard]] Fact look_up(const FactKey& key, WallTime now) const;
    [[nodiscard]] bool healthy() const;         // Every fault is over.
    [[nodiscard]] bool worker_is_well() const;  // What hangs inside it may leave only with it.
    // Could this broker go, and every partition kept its two copies?
    [[nodiscard]] bool can_spare(const std::string& broker) const;
    [[nodiscard]] bool in_sync(int broker) const;

    void change_settings(WallTime now);      // A person's mistake, another one each time.
    void poison_record(std::int64_t ahead);  // So many records before task 0 comes to it.
    void lose_worker();
    [[nodiscard]] SimProducers producers() const;  // Held to what `quotas` say.
    void restart_broker(Duration catches_up_for);  // In good order; its leaders do not come back by themselves.
    void raise_min_in_sync(WallTime now);          // A person's mistake.
    void leave_transaction_open(Duration silent);  // One at a time.
    void lose_entries(WallTime now, std::optional<Duration> comes_back_after);
    [[nodiscard]] std::vector<int> entries_served_by() const;  // In the replicas' order.
    void hang_coordinator(WallTime now, std::optional<Duration> ends_after);
    bool end_job(WallTime now);  // A person cancels it; false: it does not run.
    void start_job_again();      // The same person, unless somebody else has started it.

    int bad_passage_percent = 0;
    // Whether the job runs, as a session cluster's driver asks just before it starts it; a team's own command may not.
    // Where it does not, people look whether a start is under way before theirs: that race nobody could win.
    bool drivers_look = true;
    std::map<std::string, SimNode> nodes;
    std::map<int, SimTask> tasks;
    SimSettings settings;
    SimSink sink;
    SimWorker worker;
    SimFlapping flapping;
    double noise = 0;                          // What the noisy client offers, bytes per second.
    std::map<std::string, SimBroker> brokers;  // By node.
    SimJob job;
    SimLoad load;
    SimDisk disk;
    SimLeaders leaders;
    SimShipments shipments;
    SimEntries entries;
    SimCoordinator coordinator;
    std::optional<SimTransaction> hanging;
    std::int64_t payments_end = 1'000;
    std::map<FactKey, double> quotas;     // Of clients and users, without the cluster's name.
    std::vector<Executed> executed;       // Bounded by the run.
    std::map<std::string, int> passages;  // How often each was taken.

private:
    struct Due {
        WallTime at;
        Operation operation;
        Passage passage;
        WallTime sent_at;
    };
    struct Answer {
        WallTime at;
        OperationReply reply;
    };

    void carry_out(const Due& due);
    Result<std::string> apply(const OperationBody& body);
    std::optional<Result<std::string>> apply_to_connect(const OperationBody& body);
    Result<std::string> alter(const AlterConnectorOffset& op);
    Result<std::string> stop_job(const StopJobWithSavepoint& op);
    Result<std::string> rescale(const RescaleJob& op);
    [[nodiscard]] Fact look_up_job(Fact fact) const;
    void end_with_savepoint();
    Result<std::string> resume();
    std::optional<Result<std::string>> apply_to_flapping(const OperationBody& body);
    std::optional<Result<std::string>> apply_to_worker(const OperationBody& body);
    void live_on(Duration by);
    void connector_lives_on(double seconds);
    void replicate(Duration by);
    void lead_shipments();
    Result<std::string> reorder(const AlterReassignments& op);
    void coordinator_lives_on();
    [[nodiscard]] std::string coordinator_as_led(int broker) const;
    [[nodiscard]] Fact look_up_coordinator(Fact fact) const;
    void entries_live_on(double seconds);
    Result<std::string> elect_unclean(const ElectUncleanLeader& op);
    Result<std::string> reorder_entries(const AlterReassignments& op);
    [[nodiscard]] Fact look_up_entries(Fact fact) const;
    Result<std::string> elect_for_shipments(const ElectLeaders& op);
    [[nodiscard]] Fact look_up_shipments(int broker, Fact fact) const;
    [[nodiscard]] Fact look_up_settings(Fact fact) const;
    Result<std::string> set_topic(const AlterConfigs& op);
    [[nodiscard]] Fact look_up_order(Fact fact) const;
    [[nodiscard]] Fact look_up_broker(Fact fact) const;
    [[nodiscard]] Fact look_up_connect(Fact fact) const;
    [[nodiscard]] Fact look_up_connector(Fact fact) const;
    [[nodiscard]] Fact look_up_payments(Fact fact) const;
    void restart(SimTask& task);
    void remove_members(const RemoveGroupMembers& removal);
    Result<std::string> change_back(const ChangeConnectorConfiguration& op);
    [[nodiscard]] int active_nodes() const;
    [[nodiscard]] bool node_fails_tasks() const;

    Seeded chance_;
    Seeded slowness_;  // Of savepoints: what came before them keeps its story.
    WallTime now_;
    std::set<std::string> keys_;
    std::vector<Due> due_;
    std::vector<Answer> replies_;
};

}  // namespace medic::sim
