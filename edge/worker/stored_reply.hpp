#pragma once
#include "edge/serve/answer.hpp"
#include "edge/worker/output.hpp"

namespace tidemark::worker
{
// The body of `answer` from a stored response: all of it, a range, or several with their part
// heads.
void append_stored_body(Output& out, const store::StoredResponse& record,
                        const serve::Answer& answer);
} // namespace tidemark::worker
