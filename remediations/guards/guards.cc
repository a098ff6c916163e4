#include "remediations/guards/guards.h"

#include <fmt/format.h>

namespace medic {

Judgement Guards::judge(const GuardQuestion& question) const {
    std::vector<Refusal> refusals;
    for (const auto& guard : guards_)
        if (auto refusal = guard.object(question)) refusals.push_back(std::move(*refusal));
    if (!refusals.empty()) return std::unexpected(std::move(refusals));
    return Permit(question.step, question.key, question.cluster, question.approval ? question.approval->by : "");
}

std::string verdict_text(const Judgement& judgement) {
    if (judgement) return "permitted";
    std::string text;
    for (const auto& refusal : judgement.error())
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", refusal.guard, refusal.why);
    return text;
}

}  // namespace medic
