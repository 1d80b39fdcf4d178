import { base, type CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card } from "../parts.tsx";
import { useText } from "../text/index.ts";

type Recording = {
  available?: boolean;
  state?: string;
  reason?: string;
  seconds?: number;
  nextLookAt?: string;
};

/** The recording with a player, or why there is none; the summary and a link to the whole transcript. */
export function RecordingCard({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { recording, summary } = detail.call as { recording?: Recording; summary?: string };
  const { recordingUrl, transcriptUrl } = detail;
  return (
    <Card title={t.call.recording}>
      {!recording ? (
        <p className="soft">{t.call.noRecording}</p>
      ) : (
        <>
          {recording.available && recordingUrl !== undefined && (
            // biome-ignore lint/a11y/useMediaCaption: providers send no captions; the transcript is linked below.
            <audio controls preload="none" src={here(recordingUrl)} />
          )}
          <p className="soft">
            {recording.state !== undefined && t.call.recordingStates[recording.state]} {recording.reason}{" "}
            {recording.seconds !== undefined && format.seconds(recording.seconds)}{" "}
            {recording.nextLookAt !== undefined && t.call.nextLook(format.time(recording.nextLookAt, zone))}
          </p>
        </>
      )}
      {summary !== undefined && (
        <>
          <h3>{t.call.summary}</h3>
          <p className="text">{summary}</p>
        </>
      )}
      {transcriptUrl !== undefined && (
        <p>
          <a href={here(transcriptUrl)}>{t.call.transcript}</a>
        </p>
      )}
    </Card>
  );
}

/** The link at the address that this page came from, which a proxy or a tunnel may have changed. */
function here(url: string): string {
  const path = /\/(?:recordings|transcripts)\/.*$/.exec(url)?.[0];
  return path === undefined ? url : base + path.slice(1);
}
