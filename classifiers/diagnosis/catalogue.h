// The catalogue: what can be wrong (causes), and what in a text gives it away (signatures). Plain data from
// rules/*.yaml. Loaded once; dangling ids, doubled ids, broken patterns and unknown keys are refused with
// file:line:column.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/diagnosis/trace/owner.h"

namespace medic {

struct Signature {
    // class: one line per throwable, "first|cause|root TYPE". message: every line that is not a frame.
    // frame: one line per frame, "OWNER FUNCTION(". shape: one line about the whole text, see text_matcher.h.
    enum class Where : std::uint8_t { type, message, frame, shape };
    std::string id;
    Where where = Where::message;
    std::optional<FrameOwner>
        frame_owner;  // With `frame` only: frames of nobody else count. engine = flink, kafka or connect.
    bool engine_frame = false;
    std::string re2;
    std::string defined_at;  // file:line:column
};

// One piece of evidence that a cause names, and how much it says (log-odds; negative where it stands under `against`).
struct Clue {
    enum class Kind : std::uint8_t { signature, symptom, finding, event };
    Kind kind = Kind::signature;
    std::string id;
    double weight = 1;
};

// A clue below this only leans: it never brings a cause up by itself.
inline constexpr double leaning_weight = 0.5;
// What a text of a component that the cause does not list costs it.
inline constexpr double foreign_component_cost = 3;

struct LookAlike {
    std::string cause, told_apart_by;
};

// A case that the entry brings along: a text, and whether this cause must come first (or must not).
struct CauseCase {
    std::string text;
    Component component = Component::unknown;
    bool is = true;
    std::string name;
};

struct Cause {
    std::string id, group, owner, explain;
    std::string like;  // "" or a cause whose group, side and clues of texts it shares, told of another subject.
    Side side = Side::unknown;
    std::string subject;                // Kind of subject it is about; "" = whatever its evidence is about.
    std::vector<Clue> clues;            // `for` and `against`.
    std::vector<std::string> explains;  // Causes that are mere effects where this one holds.
    bool usually_an_effect = false;     // Told only when no cause has explained it for a while.
    std::vector<LookAlike> look_alikes;
    std::vector<std::string> remedies;  // In order; planning decides.
    std::vector<CauseCase> cases;
    std::vector<Component> components;      // Of texts that may speak of it; empty: any. Others need strong clues.
    std::vector<Component> left_to_others;  // Of texts that speak of a cause which is like it.
    double prior = 0;                       // Log-odds before any clue; below 0 for catch-alls.
    std::string defined_at;
};

struct RuleText {
    std::string path, text;
};

// Ids that live outside the catalogue and that causes may name.
struct KnownIds {
    std::vector<std::string> symptoms, findings, remedies;
    bool check_remedies = false;  // Where no remedy list is at hand (offline tools), names are taken as they are.
};

class Catalogue {
public:
    // Files under signatures/ and causes/ are read; symptoms/ only for the names of its rules.
    [[nodiscard]] static Result<Catalogue> load(std::span<const RuleText> files, const KnownIds& known = {});
    [[nodiscard]] static Result<Catalogue> load_embedded(const KnownIds& known = {});
    [[nodiscard]] static Result<Catalogue> load_directory(const std::string& directory, const KnownIds& known = {});

    [[nodiscard]] const std::vector<Cause>& causes() const { return causes_; }
    [[nodiscard]] const std::vector<Signature>& signatures() const { return signatures_; }
    [[nodiscard]] const Cause* find(std::string_view cause) const;
    // Position in causes() / signatures().
    [[nodiscard]] std::optional<std::size_t> signature_index(std::string_view id) const;

private:
    std::vector<Cause> causes_;
    std::vector<Signature> signatures_;
    std::map<std::string, std::size_t, std::less<>> cause_at_, signature_at_;
};

}  // namespace medic
