#include "classifiers/diagnosis/planned.h"

#include <algorithm>
#include <array>

namespace medic {
namespace {

// What a node's absence shows as. Nothing else is ever set aside: no leaderless partition, no full disk, no failure in
// user code.
constexpr std::array absences{"broker-lost",
                              "taskmanager-lost",
                              "taskmanager-absent",
                              "KafkaBrokerDown",
                              "KafkaBrokerUnreachable",
                              "FlinkTaskManagerMissing",
                              "FlinkJobNotRunning",
                              "FlinkJobDoesNotStart",
                              "FlinkJobWaitsForSlots",
                              "ConnectWorkerUnreachable",
                              "ConnectUnreachable",
                              "ConnectTaskUnassigned",
                              "connector-task-silent",
                              "worker-lost",
                              "jobmanager-lost",
                              "job-lost"};

// What the clients of a broker that goes for a moment complain of. Not a task that failed for good: somebody must
// restart it.
constexpr std::array clients_troubles{"kafka.brokers-unreachable"};

const std::string* field(const std::map<std::string, std::string>& fields, const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() ? nullptr : &found->second;
}

bool is_about(const Finding& planned, const Subject& subject, const std::map<std::string, std::string>& fields) {
    if (planned.subject.cluster != subject.cluster) return false;
    if (planned.fields.contains("cluster")) return true;  // Told for the whole of it.
    for (const char* kind : {"broker", "node", "taskmanager", "worker", "job", "connector"}) {
        const auto* who = field(planned.fields, kind);
        if (who == nullptr) continue;
        if (subject.kind == kind && subject.name == *who) return true;
        if (const auto* named = field(fields, kind); named != nullptr && *named == *who) return true;
        if (std::string_view(kind) == "connector" && subject.kind == "connector-task" &&
            subject.name.starts_with(*who + "/"))
            return true;
    }
    return false;
}

// The failure of a job that is nothing but a task manager signing off.
bool only_the_stop(const Finding& planned, const Finding& finding) {
    if (finding.id != "first-failure" || finding.subject.cluster != planned.subject.cluster ||
        !planned.fields.contains("node"))
        return false;
    const auto* message = field(finding.fields, "message");
    return message != nullptr && message->find("TaskExecutor is shutting down") != std::string::npos;
}

// Another node of its kind, or what a missing broker does to partitions. A paused connector says nothing of others.
bool may_come_of(std::string_view work, std::string_view trouble) {
    if (work == "broker") return trouble == "broker" || trouble == "topic";
    if (work == "node") return trouble == "node" || trouble == "taskmanager";
    return work == "worker" && trouble == "worker";
}

// Who deploys a job has a job manager that knows it. One that was deployed before its job manager went is lost.
bool came_after(const Finding& work, const Finding& finding) {
    const auto* kind = field(work.fields, "kind");
    return finding.id == "job-lost" && kind != nullptr && *kind == "deploy";
}

bool is_absence(std::string_view id) { return std::ranges::find(absences, id) != absences.end(); }

bool explains(const Finding& finding) {
    const auto* told = finding.id == planned_work_id ? field(finding.fields, "explains") : nullptr;
    return told != nullptr && *told == "true";
}

}  // namespace

Unplanned set_aside_planned(std::span<const Symptom> symptoms, std::span<const Finding> findings) {
    const auto explained = [&](const auto& test) {
        return std::ranges::any_of(findings, [&](const Finding& one) { return explains(one) && test(one); });
    };
    Unplanned left;
    for (const auto& symptom : symptoms)
        if (!is_absence(symptom.id) ||
            !explained([&](const Finding& work) { return is_about(work, symptom.subject, symptom.labels); }))
            left.symptoms.push_back(symptom);
    for (const auto& finding : findings) {
        if (finding.id == planned_work_id) continue;
        if (!explained([&](const Finding& work) {
                return only_the_stop(work, finding) || (is_absence(finding.id) && !came_after(work, finding) &&
                                                        is_about(work, finding.subject, finding.fields));
            }))
            left.findings.push_back(finding);
    }
    return left;
}

void remember_broker_work(std::span<const Finding> findings, const Now& now, std::map<std::string, BrokerWork>& known) {
    std::erase_if(known, [&](const auto& one) { return now.wall - one.second.until > clients_settle; });
    const auto on_broker = [](const Finding& one) {
        const auto* kind = field(one.fields, "kind");
        return one.id == planned_work_id && one.fields.contains("broker") && kind != nullptr &&
               (*kind == "roll" || *kind == "stop");
    };
    for (const auto& finding : findings) {
        if (!on_broker(finding) || !explains(finding)) continue;
        BrokerWork& work = known.try_emplace(finding.subject.cluster, finding.since, now.wall).first->second;
        work.since = std::min(work.since, finding.since);
        work.until = now.wall;
    }
    // A second broker is away, or one stays away: no longer what was planned, and its clients have a case.
    for (const auto& finding : findings)
        if (on_broker(finding) && !explains(finding)) known.erase(finding.subject.cluster);
}

bool comes_of_broker_work(std::string_view cause, const Subject& subject, WallTime since, const Now& now,
                          const std::map<std::string, BrokerWork>& known) {
    if (std::ranges::find(clients_troubles, cause) == clients_troubles.end()) return false;
    const auto work = known.find(subject.cluster);
    return work != known.end() && since >= work->second.since && now.wall - work->second.until <= clients_settle &&
           now.wall - since <= clients_suffer_max;
}

void hint_at_planned(const View& view, std::vector<Diagnosis>& diagnoses) {
    for (const auto& work : view.findings) {
        if (work.id != planned_work_id) continue;
        const auto* kind = field(work.fields, "kind");
        for (auto& diagnosis : diagnoses) {
            if (diagnosis.subject.cluster != work.subject.cluster) continue;
            const bool alike = may_come_of(work.subject.kind, diagnosis.subject.kind);
            if (!alike && !is_about(work, diagnosis.subject, diagnosis.facts)) continue;
            diagnosis.evidence.push_back({"event", "finding:planned-work",
                                          "planned work (" + (kind != nullptr ? *kind : std::string("stop")) +
                                              ") was under way: " + work.summary,
                                          0, work.since});
        }
    }
}

}  // namespace medic
