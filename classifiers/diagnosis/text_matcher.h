// Which signatures of the catalogue hold for a text. A signature holds when it matches one line of its rendering.
// Its automata are built at the first text. Used from one thread. Says what matched, not what it means.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic {

struct TextMatches {
    std::vector<std::size_t> signatures;  // Positions in Catalogue::signatures(), ascending.
    std::vector<std::size_t> asides;      // Those of them that only an INFO or WARN line beside a failure speaks for.
    // Of each but those of the shape: which line matched first, counted from 0 among the lines of its kind. Of
    // `message` signatures what failed comes before what was logged beside it.
    std::vector<std::pair<std::size_t, std::size_t>> lines;
    std::string shape;
    bool truncated = false;  // Some lines were not looked at: the text is too long.
};

class TextMatcher {
public:
    explicit TextMatcher(const Catalogue& catalogue);
    ~TextMatcher();
    TextMatcher(TextMatcher&&) noexcept;
    TextMatcher& operator=(TextMatcher&&) noexcept;

    [[nodiscard]] TextMatches match(const FailureText& text, Component component) const;
    // The line of the text that made the signature hold, for evidence; "" when it is not among the `matches`, which
    // match() gave for this text.
    [[nodiscard]] std::string matched_line(std::size_t signature, const TextMatches& matches,
                                           const FailureText& text) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
