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

// The shape of a text, one line of `key=value` words in this order (absent ones are left out):
//   component=… throwables=N root=TYPE root_message=none|some root_owner=OWNER decide=OWNER decide_frame=FUNCTION
//   caller=OWNER top=OWNER top_frame=FUNCTION owners=user,connector,… next=OWNER lacks=OWNER|own|relocated
//   cast_to_itself=yes cast=OWNER-to-OWNER record=yes exit=N fatal=yes message=TEXT
// `root` is the deepest cause and `root_owner` whose class it is, `decide` the deciding frame's owner, `top` the
// innermost frame's, `owners` all that occur, `next` whose package called the deciding frame's, `lacks` whose class a
// linkage error misses or finds unfit ("own": of the family of the code that asks for it), `cast` whose classes a
// failed cast names, `message` what the root says.
[[nodiscard]] std::string shape_of(const FailureText& text, Component component);

struct TextMatches {
    std::vector<std::size_t> signatures;  // Positions in Catalogue::signatures(), ascending.
    std::vector<std::size_t> asides;      // Those of them that only an INFO or WARN line beside a failure speaks for.
    std::vector<std::pair<std::size_t, std::string_view>>
        lines;  // Of `message` signatures: the first line that matched.
    std::string shape;
};

class TextMatcher {
public:
    explicit TextMatcher(const Catalogue& catalogue);
    ~TextMatcher();
    TextMatcher(TextMatcher&&) noexcept;
    TextMatcher& operator=(TextMatcher&&) noexcept;

    [[nodiscard]] TextMatches match(const FailureText& text, Component component) const;
    // The line of the text that made the signature hold, for evidence; "" when it does not.
    [[nodiscard]] std::string matched_line(std::size_t signature, const FailureText& text, Component component) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
