// Planned work takes the blame for what it brings about: symptoms and findings of an absence that a finding
// `planned-work` explains are set aside before causes are weighed. One that explains nothing (any more) is told as a
// hint with the diagnoses that it may be about. Called by the diagnoser, and by
// diagnose_once for the symptoms that it shows; brain reads the id.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/view.h"

namespace medic {

inline constexpr std::string_view planned_work_id = "planned-work";

// A client gives a record up after Kafka's default delivery.timeout.ms = 120 s, and its failure is told for a minute.
// Counted from the end of the work, which is told until a minute after the broker's return.
inline constexpr Duration clients_settle{180'000};
// However many brokers are rolled: a client that has been in trouble for so long is told.
inline constexpr Duration clients_suffer_max{10 * 60'000};

// What is left to explain. Planned work itself is not among it.
struct Unplanned {
    std::vector<Symptom> symptoms;
    std::vector<Finding> findings;
};
[[nodiscard]] Unplanned set_aside_planned(std::span<const Symptom> symptoms, std::span<const Finding> findings);

// Work on brokers as it was last seen, kept between two diagnoses: what it did to the brokers' clients shows later.
struct BrokerWork {
    WallTime since, until;
};

// Keeps, by cluster, the stops and rolls of brokers that explain their absence; one that is long over, or in doubt, is
// forgotten. Neither a drained broker nor maintenance that was told makes clients suffer for as long as it goes on.
void remember_broker_work(std::span<const Finding> findings, const Now& now, std::map<std::string, BrokerWork>& known);
// Whether trouble of a broker's client is an effect of that work: of that cause, begun meanwhile or a client's
// patience later. What outlasts the work by `clients_settle` is trouble of its own.
[[nodiscard]] bool comes_of_broker_work(std::string_view cause, const Subject& subject, WallTime since, const Now& now,
                                        const std::map<std::string, BrokerWork>& known);

void hint_at_planned(const View& view, std::vector<Diagnosis>& diagnoses);

}  // namespace medic
