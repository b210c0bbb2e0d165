import { existsSync, readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prometheusRuleFile, prometheusRuleText } from '../../deploy/kubernetes/prometheus-rule.ts';
import { runProcess } from '../support/process.ts';
import { createTemporaryDirectory } from '../support/temporary-directory.ts';
import { deployFiles, deployPath, deployText, pinnedImage, readConfig, yamlDocuments } from './files.ts';

const nodeModules = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** Whose schemas the kinds of a group have. */
const packages: Readonly<Record<string, string>> = {
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};
/** Octets, as measured with 1000 sessions, TLS on both sides, on Node 24. */
const memoryAtStart = 160e6;
const memoryPerSession = 145e3;
const files = deployFiles('kubernetes').filter((path) => path.endsWith('.yaml'));
const isKustomization = (path: string): boolean => path.endsWith('/kustomization.yaml');
const manifests = files
  .filter((path) => !isKustomization(path) && !path.endsWith('/postern.yaml'))
  .flatMap((file) => yamlDocuments(deployText(file)).map((content) => ({ file, content, kind: String(content.kind) })));
const config = readConfig(deployText('kubernetes/base/postern.yaml'));

function groupModule({ apiVersion }: { readonly apiVersion: string }): string {
  return `${packages[apiVersion.split('/')[0] ?? ''] ?? 'kubernetes-models'}/${apiVersion}`;
}

function find(kind: string, name = 'postern') {
  const found = manifests.find(({ content }) => content.kind === kind && content.metadata.name === name);
  if (found === undefined) throw new Error(`Cannot find ${kind} ${name}`);
  return found.content;
}

describe('manifests', () => {
  it.each(manifests)('$file: $kind is as its published schema says', async ({ kind, content }) => {
    const models: Record<string, new (data: object) => { validate(): void }> = await import(groupModule(content));
    const Model = models[kind];
    if (Model === undefined) throw new Error(`Cannot find a schema of ${kind}`);
    expect(() => new Model(content).validate()).not.toThrow();
  });

  it('have no key that their kinds do not know', async () => {
    // The schemas let unknown keys pass; the types made of them do not.
    await using directory = await createTemporaryDirectory('manifests');
    await symlink(nodeModules, join(directory.path, 'node_modules'));
    const typed = manifests.map(({ kind, content }, index) => {
      const module = JSON.stringify(groupModule(content));
      return `export const _${index}: import(${module}).I${kind} = ${JSON.stringify(content, undefined, 1)};`;
    });
    await writeFile(join(directory.path, 'manifests.mts'), typed.join('\n'));
    const { code, stdout } = await runProcess(
      [
        process.execPath,
        join(nodeModules, 'typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', '', 'manifests.mts'],
      ],
      { cwd: directory.path, timeoutMs: 60_000 },
    );
    expect({ code, errors: stdout.toString() }).toEqual({ code: 0, errors: '' });
  }, 70_000);

  it('are all in a kustomization, whose files are there', () => {
    const named = new Set<string>();
    for (const path of files.filter(isKustomization)) {
      const { resources = [], components = [], configMapGenerator = [] } = yamlDocuments(deployText(path))[0];
      for (const entry of [
        ...resources,
        ...components,
        ...configMapGenerator.flatMap(({ files: made }: { files: string[] }) => made),
      ]) {
        const target = join(dirname(path), entry);
        const file = target.endsWith('.yaml') ? target : join(target, 'kustomization.yaml');
        expect(existsSync(deployPath(file)), file).toBe(true);
        named.add(file);
      }
    }
    expect(files.filter((path) => !path.includes('/overlays/') && !named.has(path))).toEqual([]);
  });

  it('have images of fixed versions', () => {
    const [{ images }] = yamlDocuments(deployText('kubernetes/base/kustomization.yaml'));
    expect(images).toHaveLength(1);
    expect(`${images[0].newName}:${images[0].newTag}`).toMatch(pinnedImage);
    for (const { content } of manifests) {
      for (const { image } of content.spec.template?.spec.containers ?? []) {
        if (image !== images[0].name) expect(image).toMatch(pinnedImage);
      }
    }
  });

  it('select labels that pods have, and name ports that they open', () => {
    const pods = manifests.flatMap(({ content }) => (content.kind === 'Deployment' ? [content.spec.template] : []));
    const services = manifests.flatMap(({ content }) => (content.kind === 'Service' ? [content] : []));
    expect(services.length).toBeGreaterThan(2);
    for (const { metadata, spec } of services) {
      const chosen = pods.filter(({ metadata: { labels } }) =>
        Object.entries(spec.selector).every(([label, value]) => labels[label] === value),
      );
      expect(chosen, metadata.name).toHaveLength(1);
      const open = chosen[0].spec.containers[0].ports.map(({ name }: { name: string }) => name);
      for (const { targetPort } of spec.ports) expect(open).toContain(targetPort);
    }
    const { endpoints, selector } = find('ServiceMonitor').spec;
    const scraped = find('Service', 'postern-admin');
    // The name's label is put on everything by the kustomization.
    expect(scraped.metadata.labels).toMatchObject({
      'app.kubernetes.io/component': selector.matchLabels['app.kubernetes.io/component'],
    });
    expect(scraped.spec.ports[0].name).toBe(endpoints[0].port);
  });
});

describe('the deployment', () => {
  const { spec } = find('Deployment');
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it('opens the ports that the configuration listens on', () => {
    const ports = container.ports.map(({ containerPort }: { containerPort: number }) => containerPort);
    expect(ports).toEqual([...config.listeners.map(({ port }) => port), 9110]);
  });

  it('never has fewer pods than are wanted, and always two or more', () => {
    expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect(spec.replicas).toBeUndefined();
    expect(find('HorizontalPodAutoscaler').spec.minReplicas).toBeGreaterThanOrEqual(2);
    expect(find('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  });

  it('gives sessions the time that the configuration promises them', () => {
    const takenMs = container.lifecycle.preStop.sleep.seconds * 1000 + config.sessions.drainTimeoutMs;
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(takenMs);
  });

  it('has memory for as many sessions as the configuration lets in', () => {
    const needed = memoryAtStart + config.sessions.maxTotal * memoryPerSession;
    expect(container.resources.limits.memory).toBe('1Gi');
    expect(needed).toBeLessThan(2 ** 30);
  });

  it('runs without privileges, on a root that it cannot write to', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });

  it('mounts certificates as a directory, so that renewed ones arrive', () => {
    const mount = container.volumeMounts.find(({ name }: { name: string }) => name === 'tls');
    expect(mount.subPath).toBeUndefined();
    for (const { cert } of config.tls.certificates) expect(dirname(cert)).toBe(mount.mountPath);
    expect(find('Certificate').spec.secretName).toBe(
      pod.volumes.find(({ name }: { name: string }) => name === 'tls').secret.secretName,
    );
  });

  it('is reached by clients whose addresses it sees', () => {
    expect(find('Service').spec).toMatchObject({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  });
});

describe('the PrometheusRule', () => {
  it('holds the rules of dashboards/ as they are', () => {
    expect(readFileSync(prometheusRuleFile, 'utf8'), 'run `npm run dashboards`').toBe(prometheusRuleText());
  });
});
