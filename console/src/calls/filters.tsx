import type { ReactNode } from "react";
import type { InstallationSummary } from "../api.ts";
import { useText } from "../text/index.ts";

type FiltersProps = {
  filter: URLSearchParams;
  /** An empty value removes the parameter. */
  change: (name: string, value: string) => void;
  installations: readonly InstallationSummary[];
};

/** The filters of the list, one control for each parameter of the address. */
export function Filters({ filter, change, installations }: FiltersProps) {
  const { t } = useText();
  const providers = new Map(
    installations.flatMap(({ providers: all }) => all.map(({ id, label }) => [id, label])),
  );
  const props = { filter, change };
  return (
    <details className="filters" open={[...filter.keys()].some((name) => name !== "q")}>
      <summary>{t.calls.filters}</summary>
      <div className="controls">
        <Choice {...props} name="state" label={t.calls.state} options={t.states} />
        <Choice {...props} name="direction" label={t.calls.direction} options={t.directions} />
        <Choice {...props} name="outcome" label={t.calls.outcome} options={t.outcomes} />
        <Choice
          {...props}
          name="matched"
          label={t.calls.contact}
          options={{ yes: t.calls.matched, no: t.calls.unmatched }}
        />
        <Choice
          {...props}
          name="recording"
          label={t.calls.recording}
          options={{ yes: t.calls.with, no: t.calls.without }}
        />
        <Choice {...props} name="provider" label={t.calls.provider} options={Object.fromEntries(providers)} />
        {installations.length > 1 && (
          <Choice
            {...props}
            name="installation"
            label={t.calls.installation}
            options={Object.fromEntries(installations.map(({ name }) => [name, name]))}
          />
        )}
        <Typed {...props} name="agent" label={t.calls.agent} hint={t.calls.agentHint} />
        <Typed {...props} name="line" label={t.calls.line} hint={t.calls.lineHint} />
        <Day {...props} name="since" label={t.calls.since} />
        <Day {...props} name="until" label={t.calls.until} />
      </div>
    </details>
  );
}

type FilterProps = Omit<FiltersProps, "installations"> & { name: string; label: string };

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child.
    <label>
      <span>{label}</span>
      {children}
    </label>
  );
}

function Choice({ filter, change, name, label, options }: FilterProps & { options: Record<string, string> }) {
  const { t } = useText();
  return (
    <Labelled label={label}>
      <select value={filter.get(name) ?? ""} onChange={(event) => change(name, event.target.value)}>
        <option value="">{t.calls.any}</option>
        {Object.entries(options).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

function Typed({ filter, change, name, label, hint }: FilterProps & { hint: string }) {
  const value = filter.get(name) ?? "";
  return (
    <Labelled label={label}>
      <input
        key={value}
        defaultValue={value}
        placeholder={hint}
        onBlur={(event) => event.target.value !== value && change(name, event.target.value.trim())}
        onKeyDown={(event) => event.key === "Enter" && change(name, event.currentTarget.value.trim())}
      />
    </Labelled>
  );
}

function Day({ filter, change, name, label }: FilterProps) {
  return (
    <Labelled label={label}>
      <input
        type="date"
        value={filter.get(name) ?? ""}
        onChange={(event) => change(name, event.target.value)}
      />
    </Labelled>
  );
}
