// What a running agent holds, by the thread that uses it. Only for the agent's own source files: agent.cc starts and
// stops it, agent_work.cc is its threads' work, agent_backend.cc what its API is asked.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/api/api.h"
#include "agent/daemon/agent.h"
#include "agent/daemon/artifact_hashes.h"
#include "agent/daemon/brain.h"
#include "agent/daemon/journal_backlog.h"
#include "agent/daemon/kafka_changes.h"
#include "agent/daemon/lease_keeper.h"
#include "agent/daemon/own_metrics.h"
#include "agent/daemon/recent_keys.h"
#include "agent/daemon/watcher.h"
#include "agent/loop/loop.h"
#include "agent/notify/notifier.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/folder_lock.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/http_server.h"
#include "agent/world/real/reactor.h"
#include "agent/world/real/real_world.h"
#include "agent/world/real/worker.h"
#include "remediations/execution/execution.h"

namespace medic {

inline constexpr Duration agent_tick_every{1'000};
// What has ended goes from the journal in small portions: 20 incidents a minute are more than any fleet has, and none
// of them delays an operation by more than a few milliseconds.
inline constexpr Duration journal_forget_every{60'000};
inline constexpr std::size_t forgotten_at_once_max = 20;

// What `say` makes on the ingest thread, as long as that does not take too long.
[[nodiscard]] Result<std::string> ask_ingest(Worker& ingest, std::function<Result<std::string>()> say);
// With the planned work of operators: nothing of ours overlaps what they do to nodes.
[[nodiscard]] OperationsUnderWay with_planned(OperationsUnderWay all, const DiagnosisReport& report);
// What makes an alert the same as one before: the journal's key, as one text.
[[nodiscard]] std::string alert_key(const std::string& fingerprint, WallTime starts_at, bool firing);
// What somebody told of, as what happened.
[[nodiscard]] Event event_of(const ChangeNotice& change);

struct Agent::State : ApiBackend {
    explicit State(AgentOptions options_in) : options(std::move(options_in)), config(options.config) {}

    AgentOptions options;
    const Config& config;
    FolderLock lock;
    std::string pause_file;
    std::string sender;  // Of this journal's operations.

    // io
    Reactor reactor;
    std::unique_ptr<HttpFetcher> fetcher;
    std::unique_ptr<RealWorld> world;
    std::unique_ptr<HttpFetcher> messenger;  // Messages wait for no look, and are not counted as looks or acts.
    std::unique_ptr<Notifier> notifier;
    VerdictLinks links;
    std::string api_url;
    std::vector<NoticeRow> notices;  // As restored; handed to knowledge at its start.
    std::vector<DeliveryRow> told;   // As restored; handed to the notifier at its start.
    std::vector<Incident> to_tell;
    std::vector<NodeLinkRow> node_links;                   // As restored; handed to what is known at the start.
    std::vector<JobRunRow> job_runs;                       // Likewise.
    std::vector<ConnectorSettingsRow> connector_settings;  // Likewise.
    std::vector<TopicSettingsRow> topic_settings;          // Likewise.
    std::unique_ptr<Worker> io;
    std::vector<std::unique_ptr<KafkaChanges>> kafka_changes;  // One of each cluster that has Kafka.

    // ingest
    std::unique_ptr<Knowledge> knowledge;
    std::unique_ptr<Watcher> watcher;
    std::unique_ptr<Brain> brain;
    std::vector<FactKey> wanted;
    ArtifactHashes artifacts;
    std::set<std::string> budgets_said;  // Clusters that have been told to be over theirs.
    std::optional<Instant> evaluated_at, forgot_at;
    std::uint64_t links_kept = 0;  // Knowledge::links_version() that the journal has.
    DiagnosisReport newest;        // For whoever asks for a diagnosis.
    WallTime started_at;
    std::unique_ptr<Worker> ingest;

    // core
    std::unique_ptr<Loop> loop;
    std::vector<Input> inputs;
    bool tick_due = false;
    std::vector<FactKey> asked;
    std::unique_ptr<Worker> core;

    // lease
    std::unique_ptr<LeaseKeeper> leases;  // Only where several agents share one.

    // journal
    std::unique_ptr<Journal> journal;
    Outbox outbox;
    JournalBacklog backlog;
    std::unique_ptr<Worker> journal_thread;
    std::string forget_problem;  // The journal thread's: said once, until it works again.

    // api
    std::unique_ptr<Api> api;
    std::unique_ptr<HttpServer> server;
    RecentKeys alerts_known{20'000};  // On the server's one thread.

    // Shared, small, behind one mutex.
    mutable std::mutex shared_mutex;
    std::vector<Incident> shown;
    std::vector<Cordon> shown_cordons;
    std::vector<Pause> shown_pauses;
    ActingAgents acting;  // As the leases last told; empty where this agent is the only one.
    struct Asked {
        WallTime at;
        std::string by;
    };
    std::map<std::pair<std::string, std::string>, Asked> asked_for;  // Rolls and deployments: the last of each cluster.
    OwnMetrics metrics_now;
    std::optional<Instant> ticked_at, judged_at;  // The loop; all that was seen. Set from run() on.
    std::atomic<bool> looked{false}, stopped{false};

    Result<void> open();
    void recall();
    void run();
    void stop();

    // io
    void on_reply(OperationReply reply) { give(std::move(reply)); }
    // ingest
    void evaluate();
    void answer_facts(WallTime now);
    void say_budgets(const StoreUsage& usage);
    void keep_links(WallTime now);
    void keep_job_runs(WallTime now);
    void keep_settings(WallTime now);
    [[nodiscard]] Fact fact(const FactKey& key, WallTime now);
    [[nodiscard]] Result<std::string> say_diagnosis() const;
    [[nodiscard]] Result<std::string> say_standing(const std::string& cluster,
                                                   const std::vector<PauseRow>& pauses) const;
    // lease
    [[nodiscard]] Status open_leases();
    void taken_over(const std::string& cluster);
    [[nodiscard]] bool tells(const Incident& incident) const;
    // core
    void give(Input input);
    void tick();
    void apply(Effects effects, Instant decided);
    // journal
    void write(Effects effects, Instant decided);
    [[nodiscard]] std::string why_it_may_not_leave(const Operation& operation, Instant decided) const;
    void keep(std::vector<JournalEntry> entries);
    void forget_old();
    // telling people, on the reactor's thread
    void start_telling();
    [[nodiscard]] std::string not_well() const;

    // ApiBackend, on the server's thread.
    std::vector<Incident> incidents() const override;
    std::vector<Cordon> cordons() const override;
    Result<Incident> incident(const std::string& id) const override;
    Status command(OperatorCommand command) override;
    [[nodiscard]] Status check(const OperatorCommand& command) const;
    [[nodiscard]] Status only_one_of_a_kind(const OperatorCommand& command);
    Status accept(std::vector<Alert> alerts) override;
    Status change(ChangeNotice change) override;
    [[nodiscard]] Status write_now(std::vector<JournalEntry> rows);
    Result<std::string> diagnosis() const override;
    Result<std::string> observations(Duration last) const override;
    Result<std::string> practice(const std::string& cluster) const override;
    std::string metrics() const override;
    std::vector<std::string> clusters() const override;
    WallTime now() const override { return read_clock().wall; }
    std::string not_healthy() const override;
    std::string not_ready() const override { return looked ? "" : "not every target has been looked at yet"; }
};

}  // namespace medic
