// Asks every guard and mints the Permit. Nothing else can make one, and remediations/execution accepts nothing else.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "remediations/guards/guard.h"

namespace medic {

// Proof that every guard was asked about this step, attempt and moment and that none objected. Not copyable: one
// permit, one sending.
class Permit {
public:
    Permit(Permit&&) = default;
    Permit& operator=(Permit&&) = default;
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

    [[nodiscard]] const Step& step() const { return step_; }
    [[nodiscard]] const std::string& key() const { return key_; }
    [[nodiscard]] const std::string& cluster() const { return cluster_; }
    [[nodiscard]] const std::string& approved_by() const { return approved_by_; }

private:
    friend class Guards;
    Permit(Step step, std::string key, std::string cluster, std::string approved_by)
        : step_(std::move(step)),
          key_(std::move(key)),
          cluster_(std::move(cluster)),
          approved_by_(std::move(approved_by)) {}
    Step step_;
    std::string key_, cluster_, approved_by_;
};

using Judgement = std::expected<Permit, std::vector<Refusal>>;

class Guards {
public:
    explicit Guards(std::vector<Guard> guards) : guards_(std::move(guards)) {}

    // Every guard is asked, also after the first refusal, so that a person sees all of them at once.
    [[nodiscard]] Judgement judge(const GuardQuestion& question) const;
    [[nodiscard]] const std::vector<Guard>& all() const { return guards_; }

private:
    std::vector<Guard> guards_;
};

// A decision as it is recorded, and the same question asked again: equal texts mean an equal decision.
[[nodiscard]] std::string encode_question(const GuardQuestion& question);
[[nodiscard]] Result<GuardQuestion> decode_question(std::string_view text);
[[nodiscard]] std::string verdict_text(const Judgement& judgement);

namespace guards {
[[nodiscard]] std::vector<Guard> all_guards();  // From the folders beside this file, sorted by folder.
}

}  // namespace medic
