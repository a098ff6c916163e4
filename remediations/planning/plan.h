// A plan: what would be done about a diagnosis, as values. It can't act: only Guards turn a Step into a Permit, and
// only remediations/execution turns a Permit into an Operation. Made by remedies, kept by the loop, written to the
// journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/fact.h"
#include "agent/world/operation.h"

namespace medic {

enum class Risk : std::uint8_t { reversible, disruptive, destructive };
enum class Destroys : std::uint8_t { nothing, availability, data };
[[nodiscard]] std::string_view to_string(Risk risk);
[[nodiscard]] std::string_view to_string(Destroys destroys);

// Something that must be so, about one fact. An unknown or stale fact makes it neither true nor false.
struct Condition {
    enum class Is : std::uint8_t {
        equal,
        not_equal,
        at_least,
        at_most,  // `value`
        text_in,
        text_not_in,    // `texts`
        text_known,     // Any text, e.g. a checkpoint's path.
        progressing,    // A counter that rises in observations made after the act.
        rate_at_least,  // `value` per second, from the counter's rises after the act.
    };
    FactKey fact{};
    Is is = Is::equal;
    double value = 0;
    std::vector<std::string> texts{};
};
[[nodiscard]] std::string describe(const Condition& condition);

// What was so before the act may be told for so long after it.
inline constexpr Duration in_vain_after{3'000};

// How a step's success will be seen. A step without an expectation can't be proposed.
struct Expectation {
    std::vector<Condition> all{};       // Every one holds …
    std::vector<Condition> any{};       // … and one of these, where there are any: which can be seen differs.
    std::vector<Condition> worse_if{};  // … and none of these: then it made things worse.
    // … or one of these, in_vain_after the act or later: it had no effect, and to wait for `within` is of no use.
    std::vector<Condition> in_vain_if{};
    Duration within{60'000};  // By when `all` must begin to hold.
    Duration stable_for{0};   // For how long it must go on holding.
    bool cause_gone = false;  // The diagnosis must no longer be reported either.
};

struct Step {
    std::string remedy{};
    std::string cause{};
    Subject subject{};   // What is changed: node/tm-1, connector-task/orders/0, topic/events.
    std::string text{};  // What is done, for a person: "fence tm-1: kill its process".
    OperationBody operation{};
    Duration timeout{10'000};
    bool idempotent = false;                // May be sent again when its outcome is unknown.
    std::vector<Condition> precondition{};  // All must be known and true when it is sent.
    std::vector<Condition> skip_if{};       // All known and true: nothing to do, go on with the next step.
    std::vector<Condition> done{};          // The operation's own effect: how an unknown outcome is probed.
    Expectation expectation{};
    std::string undo{};  // How it is undone, for a person. "" is refused by the planner.
    Risk risk = Risk::disruptive;
    Destroys destroys = Destroys::nothing;
    // What a policy names: "topic:events". A remedy that destroys data says it; else the planner fills it in.
    std::string object{};
    Subject job{};                 // The job that it acts on; empty kind: none. Terminal jobs are never touched …
    bool same_definition = false;  // It starts again what ran: version, parallelism and settings stay as they were.
    bool after_own_stop = false;   // … but for a job that this very plan has stopped: not sent before it has.
    bool after_heal = false;       // Tidying up (refill the pool): the incident counts as healed before it.
    bool optional = false;         // It only saves time: whatever becomes of it, the plan goes on.
    bool serves_nobody = false;    // While its precondition holds, nobody misses the node that it ends.
    // The policy's `attempts` count so often: a try costs nothing, and what it waits for may be away for long.
    int attempts_factor = 1;
    // Its answer is all that is wanted, and nothing outside changes: no fact could show that it was asked.
    bool only_asks = false;
    // Tried once: a second try would find what the first has left. What does not work is taken back at once.
    bool once = false;
    // Kinds of work under way (OperationUnderWay::kind) that it doesn't disturb: it ends them, or brings back what they
    // wait for.
    std::vector<std::string> compatible_with{};
    bool restore_from_own_savepoint =
        false;  // StartDeployment::restore_from is the newest savepoint that this incident has taken.
};

struct Quarantine {
    std::string cluster, job, version;
    std::string artifact{};  // "sha256:…" of what it was built of; "": not known.
};  // Kept for its developer, never started again by us.

struct Plan {
    std::string remedy{};
    std::string cause{};
    Subject subject{};      // The diagnosis's.
    std::string summary{};  // One sentence for a person.
    std::vector<Step> steps{};
    std::vector<Step> undo_steps{};  // Run when the plan made things worse or had no effect; may be empty.
    std::string needs_approval{};    // Why a person must agree even under `auto`; "" when not.
    std::size_t undo_from = 0;       // Index into `steps`: until this one was reached there is nothing to take back.
    std::optional<Quarantine> quarantine{};              // Takes effect when the first step is sent.
    std::optional<Quarantine> quarantine_when_undone{};  // … or when it is taken back.
    std::vector<std::string> findings{};                 // What was found before it was made, a line each.
    std::string left_to_person{};        // The plan mends nothing itself: what a person must do after it. "": it does …
    std::vector<Condition> over_when{};  // … and what is so once that was done; the incident stays open until then.
};

struct Refusal {
    enum class Kind : std::uint8_t { wait, needs_approval, observe_only, never };
    std::string guard{};
    std::string why{};  // For a person; says what would change it.
    Kind kind = Kind::wait;
    std::optional<WallTime> until{};  // When it is worth asking again; nullopt: not known.
};

}  // namespace medic
