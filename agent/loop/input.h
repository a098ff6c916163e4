// What the core is told. Samples never come this way: they go to the store, and rules turn them into symptom changes.
// Every input is a value, so that an incident can be replayed and the simulation needs no sockets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"
#include "agent/store/fact.h"
#include "agent/world/operation.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/symptom.h"
#include "remediations/guards/guard.h"

namespace medic {

// All diagnoses that hold now, with the view's health. Sent by the ingest thread after each evaluation.
struct DiagnosisReport {
    WallTime at;
    std::vector<Diagnosis> diagnoses;
    std::vector<SymptomChange> symptoms;
    std::vector<Finding> planned;            // Planned work under way (finding planned-work).
    std::vector<std::string> blind_targets;  // Targets whose last look failed or is too old.
    std::size_t targets_total = 0;
    double tick_lateness_seconds = 0;  // The agent's own starvation.
};

// One alert of an Alertmanager v4 webhook, already persisted.
struct Alert {
    std::string fingerprint;
    WallTime starts_at;
    bool firing = true;
    Subject subject;  // Empty kind: labels named no subject that we know.
    std::string name;
    std::string received_from;  // The person or system that the token names.
    std::map<std::string, std::string> labels, annotations;
};

struct DeploymentWish {
    std::string job, version;
    std::string from;              // The version that runs now, where that can't be seen; "" otherwise.
    std::set<std::string> accept;  // Doubts that it may go on with, of deployment_doubts.
    bool dry_run = false;          // Everything is looked at, and nothing is changed.
};

struct OperatorCommand {
    enum class Kind : std::uint8_t {
        pause,
        resume,
        approve,
        reject,
        stop,
        undo,
        verdict_right,
        verdict_wrong,
        roll,
        deploy,
        cordon,
        uncordon
    };
    Kind kind = Kind::pause;
    // Cluster for pause and resume ("" = all), roll, deploy and cordons, action or incident id otherwise.
    std::string target;
    std::string reason;
    std::string by;  // Who the token or the shell says it is.
    // Of a roll.
    std::string role{};
    std::vector<std::string> nodes{};  // Empty: all of that role that are no spares. Of a cordon: the node.
    DeploymentWish deployment{};       // Of a deployment.
};

struct JournalAck {
    std::uint64_t sequence = 0;
    bool durable = true;
};  // Everything up to `sequence`; false: stop acting.

// Who acts, where several agents watch the same clusters. A cluster that is not named: nobody knows.
struct ActingAgents {
    std::map<std::string, ActingAgent> by_cluster;
};

struct TimerTick {};

using Input = std::variant<TimerTick, DiagnosisReport, Facts, OperationsUnderWay, Alert, OperatorCommand,
                           OperationReply, JournalAck, ActingAgents>;

}  // namespace medic
