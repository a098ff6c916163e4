// What a failure looks like apart from its words: who threw, who decided, who called, what was missing. Signatures of
// kind `shape` match it, so that whole classes of failures are known without one message. It names no cause.
#pragma once

#include <string>

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

}  // namespace medic
