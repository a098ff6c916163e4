// Chooses and checks plans. Pure: diagnosis and view in, plan or reason out. It asks no guard and sends nothing.
#pragma once

#include <string_view>
#include <vector>

#include "remediations/planning/remedy.h"

namespace medic {

constexpr std::size_t plan_steps_max = 60;  // A roll of thirty nodes; a healing plan has a handful.

class Planner {
public:
    explicit Planner(std::vector<Remedy> remedies) : remedies_(std::move(remedies)) {}

    [[nodiscard]] const std::vector<Remedy>& remedies() const { return remedies_; }
    [[nodiscard]] const Remedy* find(std::string_view name) const;

    // What must be looked up before `remedy` can plan. Empty when the remedy is not known.
    [[nodiscard]] std::vector<FactKey> needs(std::string_view remedy, const Diagnosis& diagnosis,
                                             const PlanningView& view) const;

    // invalid: this remedy is out; not_ready: ask again when facts or state have changed.
    [[nodiscard]] Result<Plan> plan(std::string_view remedy, const Diagnosis& diagnosis,
                                    const PlanningView& view) const;

    // The catalogue level in which the pair appeared; nullopt: the pair is not in the catalogue.
    [[nodiscard]] std::optional<int> level(std::string_view remedy, std::string_view cause) const;

private:
    std::vector<Remedy> remedies_;
};

}  // namespace medic
