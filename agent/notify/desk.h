// Decides who is told what and when. Sans-I/O: it is handed the time, incidents and outcomes, and gives dispatches.
//
// Level-triggered: for every receiver and incident it compares how the incident stands with what that receiver was told
// last, and sends the difference. So nothing is lost while a receiver is down (it gets the newest standing later), and
// nothing is told twice: what was told is journaled (DeliveryRow) and comes back through restore(). A message that left
// just before the agent died leaves again under the same key: at least once, and recognisable.
//
// Not the sender (notifier.h), and it decides nothing about incidents. On one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/loop/incident.h"
#include "agent/notify/message.h"
#include "remediations/journal/journal.h"

namespace medic {

struct DeskReceiver {
    std::string name;             // Unique; the key of what it was told.
    std::string for_owner = "*";  // Glob over owners.
    std::size_t per_minute = 30;  // Messages.
    std::size_t fold_from = 5;    // So many pieces of news at once become one digest.
    bool keeps_alerts = false;    // An Alertmanager: takes many at once and wants open ones again and again.
};

struct DeskOptions {
    Duration gather{3'000};                  // News waits so long for what follows at once.
    Duration retry_first{1'000};             // Back-off of a receiver that does not answer: doubled …
    Duration retry_max{5 * 60'000};          // … up to this.
    Duration refused_retry{60'000};          // A message that a receiver refuses (HTTP 4xx) is tried again, later …
    int refused_max = 5;                     // … so often; then it counts as undelivered.
    Duration give_up_after{24 * 3'600'000};  // News of an ended incident that nobody took.
    Duration alerts_again{60'000};           // Open alerts are sent again so often (Prometheus's default is 1 min).
    std::size_t batch_max = 200;             // Pieces of news in one digest or batch.
    std::size_t incidents_max = 2'000;       // More: the oldest ended ones are dropped and counted.
    std::size_t notices_max = 20;            // Per receiver; the oldest goes.
};

enum class NewsEvent : std::uint8_t { opened, updated, resolved, handed_over };
[[nodiscard]] std::string_view to_string(NewsEvent event);

struct News {
    std::shared_ptr<const Incident> incident;
    NewsEvent event = NewsEvent::opened;
    std::string fingerprint;
    std::uint64_t revision = 1;  // Of this incident for this receiver.
    std::string labels_before;   // An alert's labels as last sent, where they differ from today's.
};

struct Dispatch {
    enum class Kind : std::uint8_t { incident, digest, alerts, notice };
    std::uint64_t id = 0;
    std::size_t receiver = 0;
    Kind kind = Kind::incident;
    std::string key;         // Idempotency: the same message has the same key, also after a restart.
    std::vector<News> news;  // incident: one; digest, alerts: several.
    std::string notice;      // Of the agent itself.
    WallTime at;
};

enum class DispatchOutcome : std::uint8_t {
    delivered,
    refused,  // This message is not accepted; others may be.
    failed,   // The receiver does not answer, or is overloaded.
};

struct DeskStats {
    std::string receiver;
    std::uint64_t delivered = 0, failed = 0, folded = 0, given_up = 0;
    std::size_t waiting = 0;
    double oldest_waiting_seconds = 0;
};

class Desk {
public:
    Desk(std::vector<DeskReceiver> receivers, DeskOptions options);
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // Once, before anything else: what was told, and every incident that is open or still owed to somebody.
    void restore(const std::vector<DeliveryRow>& told, const std::vector<Incident>& incidents, Now now);

    // How an incident stands now. Returns rows to journal: who is owed news of it.
    [[nodiscard]] std::vector<DeliveryRow> update(const Incident& incident, Now now);
    // News of the agent itself (its journal fails): told to receivers for everybody, not kept over a restart.
    void notice(const std::string& text, Now now);

    // What leaves now; at most one dispatch per receiver is under way.
    [[nodiscard]] std::vector<Dispatch> due(Now now);
    // Returns rows to journal. `labels`: of alerts as sent, by position in the dispatch's news; empty otherwise.
    [[nodiscard]] std::vector<DeliveryRow> done(const Dispatch& dispatch, DispatchOutcome outcome,
                                                const std::vector<std::string>& labels, Now now);

    [[nodiscard]] std::vector<DeskStats> stats(Now now) const;
    [[nodiscard]] std::size_t incidents() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
